from modeltranslation.translator import TranslationOptions, register

from accounts.models import District, Neighbourhood


@register(District)
class DistrictTranslation(TranslationOptions):
    fields = ("name",)


@register(Neighbourhood)
class NeighbourhoodTranslation(TranslationOptions):
    fields = ("name",)
