"""What the shop offers: categories, sellers, products, variants, stock, pictures, reviews, notices."""

from catalog.models.attributes import Attribute, AttributeOption, AttributeValue
from catalog.models.imports import CatalogueImport, FilePiece, ImportRow, RememberedMapping
from catalog.models.listing import Block, Listing, ListingDue, OldSlug, Packed
from catalog.models.offers import GoodsOffer
from catalog.models.pictures import Picture
from catalog.models.prices import Markdown, PriceRecord
from catalog.models.products import Product, ProductKind, ProductQuerySet, ProductVariant
from catalog.models.search import SearchDoc, SearchDue, SearchLog, SearchName, SearchSynonym, SearchTerm
from catalog.models.shelves import Category, Seller
from catalog.models.stock import Stock, StockMovement, StockWish
from catalog.models.words import Notice, Review

__all__ = [
    "Attribute",
    "AttributeOption",
    "AttributeValue",
    "Block",
    "CatalogueImport",
    "Category",
    "FilePiece",
    "GoodsOffer",
    "ImportRow",
    "Listing",
    "ListingDue",
    "Markdown",
    "Notice",
    "OldSlug",
    "Packed",
    "Picture",
    "PriceRecord",
    "Product",
    "ProductKind",
    "ProductQuerySet",
    "ProductVariant",
    "RememberedMapping",
    "Review",
    "SearchDoc",
    "SearchDue",
    "SearchLog",
    "SearchName",
    "SearchSynonym",
    "SearchTerm",
    "Seller",
    "Stock",
    "StockMovement",
    "StockWish",
]
