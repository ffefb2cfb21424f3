"""The bureau's pages: send a file, name its columns, look, write, and the way out."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.importing import job
from catalog.models import CatalogueImport, FilePiece, ProductVariant
from tests.catalog.importing.files import HEADER, NOODLES, SOUP, as_csv, as_xlsx, checked, sent, shelves, written
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
HOME = "/admin/desk/catalogue/"
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture(autouse=True)
def _shelves(db) -> None:
    shelves()


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(StaffFactory())
    return client


def send(client: Client, content: bytes, name: str = "goods.csv"):
    return client.post(HOME, {"file": SimpleUploadedFile(name, content)}, **EN)


def columns(**other: str) -> dict[str, str]:
    form = {f"column_{name}": str(place) for place, name in enumerate(HEADER)}
    return {**form, "factor": "1", **other}


def strangers() -> list[Client]:
    member, staff = Client(), Client()
    member.force_login(UserFactory())
    staff.force_login(UserFactory(is_staff=True))
    return [member, staff]


# ---------------------------------------------------------------- the whole way


def test_a_file_goes_from_upload_to_report(desk: Client) -> None:
    response = send(desk, as_csv(NOODLES, SOUP))
    one = CatalogueImport.objects.get()
    assert response.headers["Location"] == f"{HOME}{one.key}/mapping/"
    page = desk.get(f"{HOME}{one.key}/mapping/", **EN).content.decode()
    assert "쟁반국수" in page
    assert f'<option value="{HEADER.index("price")}" selected>' in page

    response = desk.post(f"{HOME}{one.key}/mapping/", columns())
    assert response.headers["Location"] == f"{HOME}{one.key}/"
    page = desk.get(f"{HOME}{one.key}/", **EN).content.decode()
    assert "http-equiv" in page and "<progress" in page and "waits for its turn" in page
    job.check(one.pk)

    page = desk.get(f"{HOME}{one.key}/", **EN).content.decode()
    assert "http-equiv" not in page
    assert "new 2" in page and "Write 2 rows" in page
    assert not ProductVariant.objects.exists()
    response = desk.post(f"{HOME}{one.key}/writing/", {"how": "all"})
    assert response.status_code == 302
    job.write_rows(one.pk)

    page = desk.get(f"{HOME}{one.key}/", **EN).content.decode()
    assert "2 rows are written" in page and one.digest in page
    assert ProductVariant.objects.count() == 2
    assert not FilePiece.objects.exists()
    assert "goods.csv" in desk.get(HOME).content.decode()


def test_both_stages_are_jobs_of_the_worker(desk: Client) -> None:
    one = sent(as_csv(NOODLES))
    desk.post(f"{HOME}{one.key}/mapping/", columns())
    job.check(one.pk)
    desk.post(f"{HOME}{one.key}/writing/", {"how": "good"})
    jobs = ProcrastinateJob.objects.filter(task_name__endswith="_import").order_by("id")
    assert [(one.task_name, one.lock) for one in jobs] == [
        ("catalog.tasks.check_import", "imports"),
        ("catalog.tasks.write_import", "imports"),
    ]


@pytest.mark.parametrize("language", ["ko-kp", "en"])
def test_the_preview_says_changes_and_errors_with_their_places(desk: Client, language: str) -> None:
    written(as_csv(NOODLES))
    cheap = [*NOODLES[:5], "400", *NOODLES[6:]]
    one = checked(as_csv(cheap, [*SOUP[:5], "gratis", *SOUP[6:]]))
    desk.cookies["language"] = language
    page = desk.get(f"{HOME}{one.key}/").content.decode()
    assert "<del>450</del> → <ins>400</ins>" in page
    assert "<b>price:</b>" in page and "gratis" in page
    assert ("is not a price" in page) == (language == "en")
    assert "gratis" not in desk.get(f"{HOME}{one.key}/?rows=changed").content.decode()


def test_the_mapping_is_remembered_for_the_next_file_with_this_header(desk: Client) -> None:
    one = sent(as_csv(NOODLES))
    desk.post(f"{HOME}{one.key}/mapping/", columns(column_name_en="", fixed_unit_en="tray", factor="100"))
    send(desk, as_csv(SOUP))
    mapping = CatalogueImport.objects.first().mapping
    assert mapping["factor"] == "100"
    assert mapping["fixed"] == {"unit_en": "tray"}
    assert "name_en" not in mapping["columns"]
    other = sent(as_csv(SOUP), by=StaffFactory())
    assert other.mapping["factor"] == "1"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"column_sku": ""}, "rows are known by it"),
        ({"factor": "0"}, "above 0"),
        ({"factor": "NaN"}, "above 0"),
        ({"factor": "1e400"}, "above 0"),
        ({"column_price": "99"}, "column_price"),
        ({"fixed_price": "free"}, "is not a price"),
        ({"fixed_category": "nowhere"}, "There is no “nowhere”"),
        ({"makes_missing": "on"}, "where new sellers are"),
    ],
)
def test_a_wrong_mapping_is_told_at_its_field(desk: Client, wrong: dict[str, str], told: str) -> None:
    one = sent(as_csv(NOODLES))
    response = desk.post(f"{HOME}{one.key}/mapping/", columns(**wrong), **EN)
    assert response.status_code == 422
    assert told in response.content.decode()
    one.refresh_from_db()
    assert one.state == "mapping"


# ---------------------------------------------------------------- who, how, how often


def test_only_staff_with_the_right_come_in() -> None:
    one = checked(as_csv(NOODLES))
    paths = ["", f"{one.key}/", f"{one.key}/mapping/", f"{one.key}/refused.csv", "products.csv", "products.xlsx"]
    for path in paths:
        assert Client().get(HOME + path).headers["Location"].startswith("/sign-in/")
        assert [client.get(HOME + path).status_code for client in strangers()] == [403, 403]
    for path in ("", f"{one.key}/mapping/", f"{one.key}/writing/", f"{one.key}/cancellation/"):
        assert [client.post(HOME + path).status_code for client in strangers()] == [403, 403]
    one.refresh_from_db()
    assert one.state == "checked"


def test_the_right_alone_opens_the_desk() -> None:
    person = UserFactory(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="import_catalogue"))
    client = Client()
    client.force_login(person)
    assert client.get(HOME).status_code == 200


def test_wrong_methods(desk: Client) -> None:
    one = checked(as_csv(NOODLES))
    for path in (f"{one.key}/writing/", f"{one.key}/cancellation/"):
        assert desk.get(HOME + path).status_code == 405
    for path in (f"{one.key}/", f"{one.key}/refused.csv", "products.csv"):
        assert desk.post(HOME + path).status_code == 405


def test_what_is_not_there(desk: Client) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    one = checked(as_csv(NOODLES))
    for path in (f"{nobody}/", f"{nobody}/mapping/", "products.pdf", f"{one.key}/?rows=odd", f"{one.key}/?after=-1"):
        assert desk.get(HOME + path).status_code == 404


def test_repeated_posts_do_it_once(desk: Client) -> None:
    one = sent(as_csv(NOODLES))
    for _ in range(2):
        assert desk.post(f"{HOME}{one.key}/mapping/", columns()).status_code == 302
    job.check(one.pk)
    for _ in range(2):
        assert desk.post(f"{HOME}{one.key}/writing/", {"how": "all"}).status_code == 302
    for _ in range(2):
        job.write_rows(one.pk)
    assert ProcrastinateJob.objects.filter(task_name__endswith="_import").count() == 2
    assert ProductVariant.objects.count() == 1


def test_the_same_file_sent_twice_is_one_import(desk: Client) -> None:
    first, second = send(desk, as_csv(NOODLES)), send(desk, as_csv(NOODLES))
    assert first.headers["Location"] == second.headers["Location"]
    assert CatalogueImport.objects.count() == 1


def test_all_or_none_is_not_offered_over_wrong_rows(desk: Client) -> None:
    one = checked(as_csv(NOODLES, ["", *SOUP[1:]]))
    response = desk.post(f"{HOME}{one.key}/writing/", {"how": "all"}, **EN)
    assert response.status_code == 422
    assert "good rows only" in response.content.decode()
    assert desk.post(f"{HOME}{one.key}/writing/", {"how": "some"}).status_code == 422
    assert desk.post(f"{HOME}{one.key}/writing/", {"how": "good"}).status_code == 302
    job.write_rows(one.pk)
    assert ProductVariant.objects.count() == 1


def test_an_import_is_given_up(desk: Client) -> None:
    one = checked(as_csv(NOODLES))
    for _ in range(2):
        assert desk.post(f"{HOME}{one.key}/cancellation/").status_code == 302
    assert desk.post(f"{HOME}{one.key}/writing/", {"how": "all"}).status_code == 302
    one.refresh_from_db()
    assert one.state == "cancelled"
    job.write_rows(one.pk)
    assert not ProductVariant.objects.exists()


def test_a_list_of_rows_asks_as_often_whatever_its_length(desk: Client, django_assert_num_queries) -> None:
    one = checked(as_csv(*[[f"N-{n}", *NOODLES[1:]] for n in range(120)]))
    desk.get(f"{HOME}{one.key}/")
    with django_assert_num_queries(4):
        page = desk.get(f"{HOME}{one.key}/").content.decode()
    assert "after=51" in page
    with django_assert_num_queries(4):
        assert "N-119" in desk.get(f"{HOME}{one.key}/?after=101").content.decode()


# ---------------------------------------------------------------- the way out


def test_refused_rows_come_as_a_file(desk: Client) -> None:
    one = checked(as_csv(NOODLES, ["=1+1", "국", "", "nobody", "dishes", "5", "", "10"]))
    body = b"".join(desk.get(f"{HOME}{one.key}/refused.csv", **EN)).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(body))
    assert header == ["row", "what is wrong", *HEADER]
    assert row[0] == "3"
    assert "nobody" in row[1]
    assert row[2] == "'=1+1"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_comes_back_with_only_the_edits_as_changes(desk: Client, kind: str) -> None:
    product = ProductFactory(name_en="=cmd()", description_ko_kp="첫줄\n'-둘째", content_amount=500, content_unit="g")
    ProductFactory(name_ko_kp="-5도 얼음", is_active=False)
    content = b"".join(desk.get(f"{HOME}products.{kind}"))
    one = checked(content, name=f"products.{kind}")
    assert (one.state, one.same_count, one.wrong_count) == ("checked", 2, 0)
    if kind == "csv":
        assert b"'=cmd()" in content and b"'-5" in content
        edited = content.replace(b",380,", b",395,", 1)
        assert edited != content
        assert written(edited).changed_count == 1
        assert product.variants.get().price == 395


def test_xlsx_comes_in_as_csv_does() -> None:
    one = written(as_xlsx([*NOODLES[:5], 450.0, 12, 1800], SOUP), name="goods.xlsx")
    assert (one.new_count, one.written_count) == (2, 2)
    assert ProductVariant.objects.get(sku="N-1").price == 450


def test_staff_find_what_waits_for_its_second_language(desk: Client) -> None:
    ProductFactory(name_ko_kp="평양랭면", name_en="Cold noodles")
    ProductFactory(name_ko_kp="Backpack", name_en="Backpack", slug="backpack")
    ProductFactory(name_ko_kp="온반", name_en=None, slug="onban")
    page = desk.get("/admin/catalog/product/?translation=missing").content.decode()
    assert "Backpack" in page and "온반" in page
    assert "평양랭면" not in page
