"""Members, staff and places in the admin.

Members join by themselves: "add" makes a person of the bureau. Numbers and years of birth are read here, never edited.
Who is staff and what staff may do is decided by superusers alone.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from accounts.guesses import forget_name
from accounts.models import Address, District, Neighbourhood, User, Zone
from accounts.phone import PhoneField
from accounts.text import NameField

RIGHTS = ("is_staff", "is_superuser", "groups")  # single permissions are given through groups


class StaffCreationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new person of the bureau, under the longer password rule."""

    phone = PhoneField(widget=UnfoldAdminTextInputWidget())
    name = NameField(widget=UnfoldAdminTextInputWidget())
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        help_text=_("At least 15 characters."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ["phone", "name"]

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if User.objects.filter(phone=phone).exists():
            raise ValidationError(_("Somebody has joined with this number."), code="unique")
        return phone

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(is_staff=True, name=self.cleaned_data.get("name", "")))
        return password

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.is_staff = True
        user.set_password(self.cleaned_data["password"])
        if commit:
            user.save()
        return user


class MemberChangeForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"  # fieldsets and readonly_fields decide what is shown


@admin.register(User)
class MemberAdmin(DjangoUserAdmin, ModelAdmin[User]):  # type: ignore[type-arg]
    form = MemberChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["shown_phone", "name", "is_staff", "is_active", "joined_at"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["phone", "name"]
    ordering = ["-joined_at"]
    show_full_result_count = False
    filter_horizontal = []
    readonly_fields = ["shown_phone", "birth_year", "language", "joined_at", "name_fixed_at", "last_login"]
    actions = ["allow_sign_in_again"]
    fieldsets = [
        (None, {"fields": ["shown_phone", "name", "password", "is_active"]}),
        (_("Membership"), {"fields": ["birth_year", "language", "joined_at", "name_fixed_at", "last_login"]}),
        (_("Staff rights"), {"fields": list(RIGHTS)}),
    ]
    add_fieldsets = [(_("New staff"), {"fields": ["phone", "name", "password"]})]

    @admin.display(description=_("mobile number"), ordering="phone")
    def shown_phone(self, user: User) -> str:
        return f"{user.phone[:3]}-{user.phone[3:6]}-{user.phone[6:]}"

    @admin.action(description=_("Allow signing in again after too many tries"))
    def allow_sign_in_again(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            forget_name(kind="sign-in", name=user.phone)
        count = len(users)
        text = ngettext("%(count)d member may try again.", "%(count)d members may try again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else [*fields, *RIGHTS]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff may correct members; only superusers touch staff, or a password reset would lend their rights."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_staff or request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a person with orders cannot vanish; an account is closed by making it inactive


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    filter_horizontal = ["permissions"]


class ReadOnly:
    """Rows to be read: nobody adds, changes or deletes them here, whatever their rights."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Address)
class AddressAdmin(ReadOnly, ModelAdmin[Address]):
    """Members' address books, for the order desk to read. Changing them is the member's."""

    list_display = ["recipient_name", "neighbourhood", "building", "is_default", "user"]
    list_filter = ["neighbourhood__district"]
    list_select_related = ["neighbourhood", "user"]
    search_fields = ["recipient_name", "recipient_phone", "user__phone"]
    show_full_result_count = False


class NeighbourhoodInline(TabularInline[Neighbourhood, District]):
    model = Neighbourhood
    fields = ["name_ko_kp", "name_en", "position"]
    extra = 1


@admin.register(District)
class DistrictAdmin(ModelAdmin[District]):
    list_display = ["name_ko_kp", "name_en", "zone", "fee", "position"]
    list_filter = ["zone"]
    search_fields = ["name_ko_kp", "name_en", "slug"]
    fields = ["slug", "name_ko_kp", "name_en", "zone", "fee", "position"]
    inlines = [NeighbourhoodInline]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name_en"]}


@admin.register(Neighbourhood)
class NeighbourhoodAdmin(ModelAdmin[Neighbourhood]):
    list_display = ["name_ko_kp", "name_en", "district", "position"]
    list_filter = ["district"]
    list_select_related = ["district"]
    search_fields = ["name_ko_kp", "name_en"]
    fields = ["district", "name_ko_kp", "name_en", "position"]


@admin.register(Zone)
class ZoneAdmin(ModelAdmin[Zone]):
    list_display = ["code", "minimum_won", "motorbike_limit_g"]
    fields = ["code", "minimum_won", "motorbike_limit_g"]

    def get_readonly_fields(self, request: HttpRequest, obj: Zone | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
