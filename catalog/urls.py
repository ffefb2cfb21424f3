"""Addresses of the catalogue. They read, but for what a member waits for; the cart is the orders' business."""

from django.urls import path

from catalog import sitemap, stock_wish_views, views
from catalog.search import views as search_views

app_name = "catalog"
urlpatterns = [
    path("", views.home, name="home"),
    path("popular/", views.popular, name="popular"),
    path("new/", views.new, name="new"),
    path("categories/", views.categories, name="categories"),
    path("categories/<slug:slug>/", views.category, name="category"),
    path("sellers/", views.sellers, name="sellers"),
    path("sellers/<slug:slug>/", views.seller, name="seller"),
    path("products/<int:product_id>/<slug:slug>/", views.product, name="product"),
    path("products/<int:product_id>/<slug:slug>/reviews/", views.product_reviews, name="product-reviews"),
    path("account/stock-wishes/", stock_wish_views.wishes, name="stock-wishes"),
    path("account/stock-wishes/<int:variant_id>/removal/", stock_wish_views.removal, name="stock-wish-removal"),
    path("search/", search_views.search, name="search"),
    path("search/suggestions/", search_views.suggest, name="suggestions"),
    path("sitemap.xml", sitemap.index, name="sitemap"),
    path("sitemaps/shelves.xml", sitemap.shelves, name="sitemap-shelves"),
    path("sitemaps/products-<int:part>.xml", sitemap.products, name="sitemap-products"),
    path("compare/", views.compare, name="compare"),
]
