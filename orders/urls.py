"""Addresses of the cart, the checkout and orders: nouns, POST creates or changes them."""

from django.urls import path

from orders.views import (
    cancellation,
    cart,
    checkout,
    copies,
    favourites,
    hold,
    order,
    orders,
    payment,
    receipt,
    review,
    review_answers,
    settlement_days,
    statements,
    waiting,
)

app_name = "orders"
urlpatterns = [
    path("cart/", cart.cart, name="cart"),
    path("cart/lines/", cart.cart_lines, name="cart-lines"),
    path("cart/lines/<int:line_id>/", cart.cart_line, name="cart-line"),
    path("favourites/", favourites.lists, name="favourites"),
    path("favourites/entries/", favourites.entries, name="favourite-entries"),
    path("favourites/lists/<slug:code>/", favourites.favourite_list, name="favourite-list"),
    path("favourites/lists/<slug:code>/name/", favourites.name, name="favourite-list-name"),
    path("favourites/lists/<slug:code>/deletion/", favourites.deletion, name="favourite-list-deletion"),
    path("favourites/lists/<slug:code>/sharing/", favourites.sharing, name="favourite-list-sharing"),
    path("favourites/lists/<slug:code>/withdrawal/", favourites.withdrawal, name="favourite-list-withdrawal"),
    path(
        "favourites/lists/<slug:code>/entries/<int:variant_id>/removal/", favourites.removal, name="favourite-removal"
    ),
    path("favourites/lists/<slug:code>/entries/<int:variant_id>/cart/", favourites.to_cart, name="favourite-to-cart"),
    path("favourites/<slug:token>/", favourites.shared, name="favourites-shared"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<slug:code>/", order.order, name="order"),
    path("orders/<slug:code>/payment/", payment.payment, name="payment"),
    path("orders/<slug:code>/receipt/", receipt.receipt, name="receipt"),
    path("orders/<slug:code>/hold/", hold.hold, name="hold"),
    path("orders/<slug:code>/copies/", copies.copies, name="copies"),
    path("orders/<slug:code>/cancellation/", cancellation.cancellation, name="cancellation"),
    path(
        "orders/<slug:code>/parcels/<int:number>/cancellation/",
        cancellation.parcel_cancellation,
        name="parcel-cancellation",
    ),
    path("orders/<slug:code>/parcels/<int:number>/review/", review.review, name="review"),
    path("admin/desk/reviews/", review_answers.answers, name="review-answers"),
    path("admin/desk/reviews/<int:review_id>/answer/", review_answers.answer, name="review-answer"),
    path("admin/desk/money/waiting/", waiting.waiting, name="waiting"),
    path("admin/desk/money/waiting/<uuid:key>/tries/", waiting.tries, name="waiting-tries"),
    path("admin/desk/money/waiting/parcels/<slug:code>/<int:number>/capture/", waiting.capture, name="waiting-capture"),
    path("admin/desk/money/waiting/refunds/<uuid:key>/tries/", waiting.refund, name="waiting-refund"),
    path("admin/desk/money/days/", settlement_days.days, name="settlement-days"),
    path("admin/desk/money/days/<slug:day>/", settlement_days.day, name="settlement-day"),
    path("admin/desk/money/days/<slug:day>/file/", settlement_days.file, name="settlement-file"),
    path("admin/desk/money/days/<slug:day>/explanations/", settlement_days.explanations, name="explanations"),
    path("admin/desk/money/days/<slug:day>/questions/", settlement_days.questions, name="settlement-questions"),
    path("admin/desk/money/sellers/", statements.sellers, name="statements"),
    path("admin/desk/money/sellers/<int:seller_id>/", statements.seller, name="statement"),
    path("admin/desk/money/sellers/<int:seller_id>/payouts/<uuid:key>/", statements.payout, name="payout"),
    path("admin/desk/money/sellers/<int:seller_id>/movements.csv", statements.download, name="statement-csv"),
]
