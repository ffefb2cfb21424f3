"""What can be wrong with a file or a row, in plain words. Rows keep the word and its values; pages say it in theirs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS = {
    # The file
    "empty": _("The file is empty."),
    "too_large": _("The file is larger than %(limit)s MB. Cut it into several."),
    "not_a_table": _("This is not a table we can read. Save it as CSV or XLSX and send that."),
    "old_excel": _("This is an old Excel file or one with a password. Save it as XLSX without a password."),
    "macros": _("This workbook has macros. Save it as XLSX without macros."),
    "broken_workbook": _("This XLSX file is damaged. Open it, save it anew and send that."),
    "bomb": _("This XLSX file unpacks to far more than a table of products needs. It was not opened."),
    "encoding": _("The letters of this file are in none of the ways we know: UTF-8, UTF-16, CP949 (EUC-KR)."),
    "no_header": _("The first row must name the columns."),
    "no_rows": _("The file has a header and no rows under it."),
    "too_many_columns": _("The file has more than %(limit)s columns."),
    "too_many_rows": _("The file has more than %(limit)s rows. Cut it into several."),
    "line_too_long": _("Line %(line)s is longer than any row of products. Perhaps a quotation mark is never closed."),
    "quotes": _("Line %(line)s: a quotation mark stands where it cannot."),
    # Reading a row
    "ragged": _("The row has %(count)s cells, the header %(wanted)s."),
    "nul": _("A cell has a NUL character in it."),
    "cell_too_long": _("A cell is longer than %(limit)s characters."),
    # A cell
    "needed": _("This is needed."),
    "long": _("Longer than %(limit)s characters."),
    "number": _("“%(value)s” is not a whole number."),
    "range": _("Must be from %(low)s to %(high)s."),
    "price": _("“%(value)s” is not a price."),
    "price_range": _("The price would be %(price)s. It must be from 1 to 10,000,000 won."),
    "amount": _("“%(value)s” is not an amount."),
    "not_asked": _("Products of “%(category)s” are not asked for this."),
    "yes_no": _("“%(value)s” is neither yes nor no."),
    "choice": _("“%(value)s” is not one of: %(choices)s."),
    "unknown": _("There is no “%(value)s” in the shop."),
    "group": _("There is no product “%(value)s”."),
    # A row
    "name": _("A name in Korean or in English is needed."),
    "content": _("Content and its unit go together."),
    "seller_moved": _("This SKU belongs to another seller: %(seller)s."),
    "product_moved": _("This SKU belongs to another product: %(product)s."),
    "twice": _("The same SKU stands in row %(row)s already."),
    "differs": _("Row %(row)s says something else about the same product."),
    "says_other": _("The product is there already and says something else. Change it in a row of a SKU it has."),
    "two_stocks": _("Say what was counted or what was received, not both."),
    "promised": _("%(n)s pieces are promised to orders: fewer cannot stand on the shelf."),
    "database": _("The database refused this row: somebody changed the same thing at the same moment, perhaps."),
    # A stage
    "rows_wrong": _("%(n)s rows could not be written any more, so none is. Check the file again."),
    "file_gone": _("The file is not kept any more. Send it again."),
    "tries": _("Workers stopped in the middle of it several times, so it was given up."),
    "fault": _("Something broke on our side. It is in the log."),
}


class Wrong(ValueError):
    """A cell, a row or a file that cannot be taken; `word` is one of WORDS."""

    def __init__(self, word: str, **values: Any) -> None:
        super().__init__(word)
        self.word = word
        self.values = values


def say(word: str, values: dict[str, Any]) -> str:
    """The sentence, in the page's language."""
    return str(WORDS[word]) % values
