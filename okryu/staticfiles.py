"""Static files: hashed, compressed, the style sheets joined into one."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ShopStaticFilesStorage(CompressedManifestStaticFilesStorage):
    pass
