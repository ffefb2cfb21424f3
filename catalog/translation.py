from modeltranslation.translator import TranslationOptions, register

from catalog.models import (
    Attribute,
    AttributeOption,
    Category,
    Notice,
    Picture,
    Product,
    ProductKind,
    ProductVariant,
    Seller,
)


@register([AttributeOption, Category, ProductKind])
class NameTranslation(TranslationOptions):
    fields = ("name",)


@register(Seller)
class SellerTranslation(TranslationOptions):
    fields = ("name", "introduction")


@register(Product)
class ProductTranslation(TranslationOptions):
    fields = ("name", "description", "unit")


@register(ProductVariant)
class ProductVariantTranslation(TranslationOptions):
    fields = ("name", "colour", "flavour")


@register(Picture)
class PictureTranslation(TranslationOptions):
    fields = ("alt",)


@register(Notice)
class NoticeTranslation(TranslationOptions):
    fields = ("title", "body")


@register(Attribute)
class AttributeTranslation(TranslationOptions):
    fields = ("name", "unit")
