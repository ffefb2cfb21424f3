"""Pictures of products."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import default_storage
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product, ProductVariant


class Picture(models.Model):
    """A photograph of a product. Pages show its renditions; the original is never served."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="pictures", verbose_name=_("product"))
    variant = models.ForeignKey(
        ProductVariant,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="pictures",
        verbose_name=_("variant"),
    )
    alt = models.CharField(_("what it shows"), max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    original = models.FileField(_("file"), upload_to="originals/")
    # SHA-256 of the original's bytes, shortened: the stem of every rendition's file name.
    digest = models.CharField(max_length=24, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    # Which files stand ready, like "webp320": pages offer only these.
    renditions = ArrayField(models.CharField(max_length=12), default=list, editable=False)

    objects: models.Manager[Picture] = models.Manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt or self.digest

    def rendition_path(self, name: str) -> str:
        """Where a rendition such as "webp320" stands in the media storage: pictures/<digest>-320.webp."""
        kind = name.rstrip("0123456789")
        return f"pictures/{self.digest}-{name[len(kind) :]}.{'jpg' if kind == 'jpeg' else kind}"

    def rendition_url(self, name: str) -> str:
        return default_storage.url(self.rendition_path(name))
