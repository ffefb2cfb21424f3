"""Jobs of the catalogue. Each is safe to run twice."""

from procrastinate.contrib.django import app

from catalog import packing, pictures, stock_wishes
from catalog.importing import job as import_job
from catalog.importing import stages as import_stages
from catalog.markdowns import apply_markdowns
from catalog.models import Picture
from catalog.search import index as search_index
from catalog.search import log as search_log
from catalog.search import rebuild as search_rebuild


# One at a time, whatever the worker could take: the others of its threads stay free for payments.
@app.task(queue="pictures", lock="pictures", priority=-10, retry=3)
def render_picture(picture_id: int) -> None:
    """Draw every rendition a picture still lacks; one removed meanwhile needs none."""
    if picture := Picture.objects.filter(pk=picture_id).first():
        pictures.render(picture)


@app.periodic(cron="* * * * * *")
@app.task(queue="listing", queueing_lock="pack_listing", lock="pack_listing", pass_context=False)
def pack_listing(timestamp: int) -> None:
    """Bring the lists up to date with what was changed in the last second."""
    while packing.pack_due() >= packing.BATCH:
        pass


@app.periodic(cron="* * * * * *")
@app.task(queue="search", queueing_lock="follow_search", pass_context=False)
def follow_search(timestamp: int) -> None:
    """Let the search know what changed in the last second."""
    while search_index.follow() >= search_index.FOLLOWED:
        pass


@app.periodic(cron="41 3 * * *")
@app.task(queueing_lock="count_search_words", pass_context=False)
def count_search_words(timestamp: int) -> None:
    """Count the shop's words anew, and forget queries nobody has asked for three months."""
    search_rebuild.count_words()
    search_log.forget_old()


@app.periodic(cron="* * * * * */10")
@app.task(queue="messages", queueing_lock="tell_of_stock", pass_context=False)
def tell_of_stock(timestamp: int) -> None:
    """Tell the members who wait for it what can be had again."""
    while stock_wishes.tell() >= stock_wishes.AT_ONCE:
        pass


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="apply_markdowns", pass_context=False)
def markdowns(timestamp: int) -> None:
    """Lower the prices whose planned time has come, and raise those whose time is over."""
    apply_markdowns()


# One at a time: two files may speak of the same products.
@app.task(queue="imports", lock="imports", priority=-5)
def check_import(import_id: int) -> None:
    """Compare every row of a file with the shop."""
    import_job.check(import_id)


@app.task(queue="imports", lock="imports", priority=-5)
def write_import(import_id: int) -> None:
    """Write the rows of a file that were found good."""
    import_job.write_rows(import_id)


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="forget_import_rows", pass_context=False)
def forget_import_rows(timestamp: int) -> None:
    """Drop what is no longer needed of old imports; the reports and every refused row stay."""
    import_stages.forget_old()
