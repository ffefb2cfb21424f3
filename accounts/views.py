"""Joining, signing in and out, and the member's own pages."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import address_book, inbox, joining, passwords, signing_in
from accounts.client import client_address
from accounts.districts import remember_district
from accounts.forms import AddressForm, JoinForm, NameForm, PasswordForm, SignInForm
from accounts.guesses import TooManyGuesses, count_guess
from accounts.known_device import remember_device
from accounts.models import Address, User
from accounts.private import member, private_page
from accounts.redirects import safe_next

form_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@form_page
def join(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_after(request))
    form = JoinForm(request.POST if request.method == "POST" else None)
    taken = ""
    if form.is_valid():
        phone = form.cleaned_data["phone"]
        try:
            # Counted first: the answer tells whether a number is taken.
            count_guess(kind="join", name=phone, address=client_address(request))
            user = joining.join(**form.cleaned_data, language=get_language() or settings.LANGUAGE_CODE)
        except TooManyGuesses as full:
            return _too_many(request, "accounts/join.html", form, full)
        except joining.NumberTaken:
            if joined := _joined_a_moment_ago(request, form):
                return _joined(request, joined)
            taken = phone
            form.add_error("phone", _("This number has joined already. Sign in with it instead."))
        else:
            signing_in.begin_session(request, user)
            messages.success(request, _("Welcome. You are a member now."))
            return _joined(request, user)
    return _form_page(request, "accounts/join.html", form, taken=taken)


def _joined_a_moment_ago(request: HttpRequest, form: JoinForm) -> User | None:
    """The member, signed in, when this is the joining form's second copy: a double click, or a lost answer.

    Number and password are checked as at signing in, and counted with it, so nobody guesses passwords here.
    """
    try:
        phone, password = form.cleaned_data["phone"], form.cleaned_data["password"]
        return signing_in.sign_in(request, phone=phone, password=password)
    except (TooManyGuesses, signing_in.WrongPassword):
        return None


def _joined(request: HttpRequest, user: User) -> HttpResponse:
    response = redirect(_after(request))
    remember_device(response, user.phone)
    return response


@never_cache
@form_page
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and request.user.is_authenticated:
        return redirect(_after(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = signing_in.sign_in(request, **form.cleaned_data)
        except TooManyGuesses as full:
            return _too_many(request, "accounts/sign_in.html", form, full)
        except signing_in.WrongPassword:
            form.add_error(None, _("The number and the password do not belong together."))
        else:
            response = redirect(_after(request))
            remember_device(response, user.phone)
            if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
                remember_language(response, user.language)
            return response
    return _form_page(request, "accounts/sign_in.html", form)


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    signing_in.sign_out(request)
    response = redirect("/")
    # What the next person with this telephone must not find; language and district stay.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    response.delete_cookie(settings.CART_COUNT_COOKIE_NAME)
    return response


@private_page
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = member(request)
    return render(request, "accounts/account.html", {"member": user, "unread": inbox.unread(user)})


@private_page
@form_page
def name(request: HttpRequest) -> HttpResponse:
    user = member(request)
    if user.name_fixed_at:
        return render(request, "accounts/name.html", {"member": user})
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": user.name})
    if form.is_valid() and user.rename(form.cleaned_data["name"]):
        messages.success(request, _("The name was changed."))
        return redirect("accounts:account")
    return _form_page(request, "accounts/name.html", form, member=user)


@private_page
@form_page
def password(request: HttpRequest) -> HttpResponse:
    user = member(request)
    form = PasswordForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        try:
            passwords.change_password(request, user=user, **form.cleaned_data)
        except TooManyGuesses as full:
            return _too_many(request, "accounts/password.html", form, full)
        except signing_in.WrongPassword:
            form.add_error("present", _("This is not the present password."))
        else:
            messages.success(request, _("The password was changed. All other devices were signed out."))
            return redirect("accounts:account")
    return _form_page(request, "accounts/password.html", form)


@private_page
@form_page
def addresses(request: HttpRequest) -> HttpResponse:
    user = member(request)
    initial = {"recipient_name": user.name, "recipient_phone": user.phone}
    form = AddressForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            entry = address_book.add_address(user=user, fields=form.as_fields())
        except address_book.AddressBookFull:
            form.add_error(None, _("The address book is full. Delete an entry first."))
        else:
            messages.success(request, _("The address was saved."))
            return _back_to_book(entry)
    entries = user.addresses.select_related("neighbourhood__district")
    return _form_page(request, "accounts/addresses.html", form, entries=entries)


@private_page
@form_page
def address(request: HttpRequest, code: str) -> HttpResponse:
    entry = _own_address(request, code)
    form = AddressForm(request.POST if request.method == "POST" else None, instance=entry)
    if form.is_valid():
        with _gone_is_not_found():
            address_book.change_address(entry, fields=form.as_fields())
        messages.success(request, _("The address was saved."))
        return _back_to_book(entry)
    return _form_page(request, "accounts/address.html", form, code=code)


@private_page
@require_POST
def address_deletion(request: HttpRequest, code: str) -> HttpResponse:
    address_book.delete_address(_own_address(request, code))
    messages.success(request, _("The address was deleted."))
    return redirect("accounts:addresses")


@private_page
@require_POST
def address_default(request: HttpRequest, code: str) -> HttpResponse:
    entry = _own_address(request, code)
    with _gone_is_not_found():
        address_book.make_default(entry)
    return _back_to_book(entry)


def remember_language(response: HttpResponseBase, language: str) -> None:
    """Show the shop in this language from now on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        samesite="Lax",
    )


def _own_address(request: HttpRequest, code: str) -> Address:
    return get_object_or_404(Address.objects.filter(user=member(request)), code=code)


@contextmanager
def _gone_is_not_found() -> Iterator[None]:
    """An entry deleted on another device a moment ago."""
    try:
        yield
    except Address.DoesNotExist:
        raise Http404 from None


def _back_to_book(entry: Address) -> HttpResponse:
    """To the list; the usual address is also the district the shop is shown from."""
    response = redirect("accounts:addresses")
    usual = Address.objects.select_related("neighbourhood__district").filter(pk=entry.pk, is_default=True).first()
    if usual is not None:
        remember_district(response, usual.neighbourhood.district)
    return response


def _after(request: HttpRequest) -> str:
    return safe_next(request, reverse("accounts:account"))


def _form_page(request: HttpRequest, template: str, form: Form | AddressForm, **more: object) -> HttpResponse:
    """The form, empty with 200 or with its errors and 422."""
    context = {"form": form, "next": safe_next(request, ""), **more}
    return render(request, template, context, status=422 if form.errors else 200)


def _too_many(request: HttpRequest, template: str, form: Form, full: TooManyGuesses) -> HttpResponse:
    """The form with the moment from which the next try is checked, 429."""
    clock = date_format(timezone.localtime(full.retry_at), "H:i")
    form.add_error(
        None, _("Too many tries. For your safety the next one is possible from %(clock)s.") % {"clock": clock}
    )
    response = render(request, template, {"form": form, "next": safe_next(request, "")}, status=429)
    response.headers["Retry-After"] = str(max(1, int((full.retry_at - timezone.now()).total_seconds()) + 1))
    return response
