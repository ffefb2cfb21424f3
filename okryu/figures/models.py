"""What the shop counts in the open: page views and unique visitors by day."""

from django.db import models

from catalog.models import Category


class Page(models.TextChoices):
    """Kinds of pages that are counted. Admin, forms sent, errors and machines' addresses are not."""

    HOME = "home"
    CATEGORY = "category"
    SELLER = "seller"
    PRODUCT = "product"
    SEARCH = "search"
    CART = "cart"
    CHECKOUT = "checkout"
    ORDER = "order"
    ACCOUNT = "account"
    CARD = "card"
    FIGURES = "figures"
    HELP = "help"


class Device(models.TextChoices):
    PHONE = "phone"
    COMPUTER = "computer"


class DailySalt(models.Model):
    """The day's random salt of visitor digests, deleted with the day: nobody can be followed over two days."""

    day = models.DateField(primary_key=True)
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.day)


class DailyVisitor(models.Model):
    """A visitor's salted digest, kept for its day only; then only the count stays."""

    day = models.DateField()
    digest = models.BinaryField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "digest"], name="visitor_once_a_day")]

    def __str__(self) -> str:
        return str(self.day)


class DailyViews(models.Model):
    """Pages viewed on one day, by kind of page and kind of device."""

    day = models.DateField()
    page = models.CharField(max_length=20, choices=Page.choices)
    device = models.CharField(max_length=10, choices=Device.choices)
    views = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "page", "device"], name="views_once_per_day_page_device")]

    def __str__(self) -> str:
        return f"{self.day} {self.page}"


class DailyCategoryViews(models.Model):
    """Views on one day of a category's list and of the products on its shelf."""

    day = models.DateField()
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    views = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "category"], name="category_views_once_per_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.category_id}"


class DailyFigures(models.Model):
    """A closed day's figures, written when its salt is deleted."""

    day = models.DateField(primary_key=True)
    visitors = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.day)
