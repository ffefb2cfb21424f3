from modeltranslation.translator import TranslationOptions, register

from accounts.models import District, Neighbourhood


@register(District)
class DistrictTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ko-kp",)


@register(Neighbourhood)
class NeighbourhoodTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ko-kp",)
