"""The form of the payment page: a card, and the key that names the attempt."""

from django import forms

from payments.forms import CardForm


class PaymentForm(CardForm):
    """`key` names the attempt: the same form posted again is the same payment."""

    key = forms.UUIDField(widget=forms.HiddenInput)
