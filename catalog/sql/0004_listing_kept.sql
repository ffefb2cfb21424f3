-- The listing: one narrow row for each product on sale, kept in the transaction that changes the product.

-- A text whose plain byte order is the domestic letter order: each syllable becomes the one that stands at its place
-- when consonants go ㄱㄴㄷㄹㅁㅂㅅㅈㅊㅋㅌㅍㅎㄲㄸㅃㅆㅉㅇ and vowels ㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣㅐㅒㅔㅖㅚㅟㅢㅘㅝㅙㅞ.
-- catalog/alphabet.py does the same in Python.
CREATE FUNCTION catalog_letters(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    initials CONSTANT int[] := '{0,13,1,2,14,3,4,5,15,6,16,18,7,17,8,9,10,11,12}';
    vowels CONSTANT int[] := '{0,10,1,11,2,12,3,13,4,17,19,14,5,6,18,20,15,7,8,16,9}';
    finals CONSTANT int[] := '{0,1,26,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,27,19,20,21,22,23,24,25}';
    plain text := lower(name);
    answer text := '';
    place int;
BEGIN
    FOR n IN 1..length(plain) LOOP
        place := ascii(substr(plain, n, 1)) - 44032;
        IF place BETWEEN 0 AND 11171 THEN
            place := (initials[place / 588 + 1] * 21 + vowels[place % 588 / 28 + 1]) * 28 + finals[place % 28 + 1];
            answer := answer || chr(44032 + place);
        ELSE
            answer := answer || substr(plain, n, 1);
        END IF;
    END LOOP;
    RETURN answer;
END $$;

-- catalog/tokens.py: 48 bits below the type, 8 below the id.
CREATE FUNCTION catalog_token(kind int, of bigint, part int) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT kind * 281474976710656 + of * 256 + part $$;

CREATE VIEW catalog_listing_now AS
SELECT p.id AS product_id,
       p.category_id AS shelf_id,
       p.seller_id,
       p.sold_30_days AS popularity,
       p.listed_at,
       v.price,
       CASE
           WHEN p.content_unit IN ('g', 'ml')
                AND CASE WHEN p.kind_id IS NOT NULL THEN k.comparison_unit = p.content_unit
                         ELSE p.content_amount >= 100 AND s.kind <> 'restaurant' END
           THEN v.price * 100000 / p.content_amount
           WHEN p.content_unit = 'piece' THEN 10000000000000 + v.price * 1000 / p.content_amount
           ELSE 10000000000000 + v.price * 1000
       END AS unit_key,
       catalog_letters(p.name_ko_kp) AS name_ko,
       coalesce(nullif(lower(p.name_en), ''), catalog_letters(p.name_ko_kp)) AS name_en,
       ARRAY[
           catalog_token(10, p.category_id, 0),
           catalog_token(4, p.seller_id, 0),
           catalog_token(5, 0, CASE s.kind WHEN 'restaurant' THEN 0 WHEN 'shop' THEN 1 ELSE 2 END),
           catalog_token(6, s.district_id, 0)
       ]
       || CASE WHEN v.in_stock THEN ARRAY[catalog_token(7, 0, 0)] END
       || CASE WHEN v.lowered THEN ARRAY[catalog_token(8, 0, 0)] END
       || CASE WHEN p.rating_sum >= 4 * p.rating_count AND p.rating_count > 0 THEN ARRAY[catalog_token(9, 0, 4)] END
       || CASE WHEN p.rating_sum >= 3 * p.rating_count AND p.rating_count > 0 THEN ARRAY[catalog_token(9, 0, 3)] END
       || (SELECT array_agg(DISTINCT answer ORDER BY answer) FROM (
               SELECT CASE
                          WHEN a.option_id IS NOT NULL THEN catalog_token(1, a.option_id, 0)
                          WHEN a.yes THEN catalog_token(2, a.attribute_id, 0)
                          WHEN a.number IS NOT NULL AND t.bands <> '{}'
                          THEN catalog_token(3, a.attribute_id, width_bucket(a.number, t.bands::numeric[]))
                      END AS answer
               FROM catalog_attributevalue a
               JOIN catalog_attribute t ON t.id = a.attribute_id
               LEFT JOIN catalog_productvariant o ON o.id = a.variant_id
               WHERE a.product_id = p.id AND (o.id IS NULL OR o.is_active)
           ) answers WHERE answer IS NOT NULL)
       AS tokens,
       v.changes_at
FROM catalog_product p
JOIN catalog_seller s ON s.id = p.seller_id AND s.is_active
JOIN catalog_category c ON c.id = p.category_id AND c.is_active
LEFT JOIN catalog_productkind k ON k.id = p.kind_id
CROSS JOIN LATERAL (
    SELECT (array_agg(one.price ORDER BY one.in_stock DESC, one.price))[1] AS price,
           bool_or(one.in_stock) AS in_stock,
           bool_or(one.lowered) AS lowered,
           min(CASE WHEN one.markdown_from > statement_timestamp() THEN one.markdown_from
                    WHEN one.markdown_until > statement_timestamp() THEN one.markdown_until END) AS changes_at
    FROM (
        SELECT n.markdown_from, n.markdown_until, n.lowered,
               CASE WHEN n.lowered THEN n.markdown_price ELSE n.price END AS price,
               coalesce(n.on_hand > n.reserved, false) AS in_stock
        FROM (
            SELECT r.*, x.on_hand, x.reserved,
                   coalesce(r.markdown_from <= statement_timestamp() AND statement_timestamp() < r.markdown_until, false)
                   AS lowered
            FROM catalog_productvariant r LEFT JOIN catalog_stock x ON x.variant_id = r.id
            WHERE r.product_id = p.id AND r.is_active
        ) n
    ) one
    HAVING count(*) > 0
) v
WHERE p.is_active;

-- Computes these products' rows anew. Rows that stay the same are not written.
CREATE FUNCTION catalog_list(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM catalog_listing l
    WHERE l.product_id = ANY (ids) AND NOT EXISTS (SELECT FROM catalog_listing_now n WHERE n.product_id = l.product_id);
    INSERT INTO catalog_listing AS l
        (product_id, shelf_id, seller_id, popularity, listed_at, price, unit_key, name_ko, name_en, tokens, changes_at)
    SELECT product_id, shelf_id, seller_id, popularity, listed_at, price, unit_key, name_ko, name_en, tokens, changes_at
    FROM catalog_listing_now WHERE product_id = ANY (ids) ORDER BY product_id
    ON CONFLICT (product_id) DO UPDATE SET
        shelf_id = excluded.shelf_id, seller_id = excluded.seller_id, popularity = excluded.popularity,
        listed_at = excluded.listed_at, price = excluded.price, unit_key = excluded.unit_key,
        name_ko = excluded.name_ko, name_en = excluded.name_en, tokens = excluded.tokens,
        changes_at = excluded.changes_at
    WHERE (l.shelf_id, l.seller_id, l.popularity, l.listed_at, l.price, l.unit_key, l.name_ko, l.name_en, l.tokens)
        IS DISTINCT FROM (excluded.shelf_id, excluded.seller_id, excluded.popularity, excluded.listed_at,
                          excluded.price, excluded.unit_key, excluded.name_ko, excluded.name_en, excluded.tokens)
        OR l.changes_at IS DISTINCT FROM excluded.changes_at;
END $$;

-- A few products at once, the many of a whole seller or category by the packing job within its next seconds:
-- pages look at the product itself as well, so that nothing hidden is ever shown meanwhile.
CREATE FUNCTION catalog_list_soon(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_list(ids[1:100]);
    INSERT INTO catalog_listingdue (product_id) SELECT unnest(ids[101:]);
END $$;

CREATE FUNCTION catalog_product_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_list(ARRAY(SELECT id FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER product_listed AFTER INSERT ON catalog_product
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_product_changed();
CREATE TRIGGER product_relisted AFTER UPDATE ON catalog_product
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_product_changed();

-- For tables with a column product_id: variants and values of attributes.
CREATE FUNCTION catalog_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_list(ARRAY(SELECT DISTINCT product_id FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER variant_listed AFTER INSERT ON catalog_productvariant
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();
CREATE TRIGGER variant_relisted AFTER UPDATE ON catalog_productvariant
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();
CREATE TRIGGER variant_unlisted AFTER DELETE ON catalog_productvariant
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();
CREATE TRIGGER value_listed AFTER INSERT ON catalog_attributevalue
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();
CREATE TRIGGER value_relisted AFTER UPDATE ON catalog_attributevalue
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();
CREATE TRIGGER value_unlisted AFTER DELETE ON catalog_attributevalue
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_part_changed();

CREATE FUNCTION catalog_stock_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_list(ARRAY(SELECT DISTINCT v.product_id FROM changed
                               JOIN catalog_productvariant v ON v.id = changed.variant_id));
    RETURN NULL;
END $$;
CREATE TRIGGER stock_listed AFTER INSERT ON catalog_stock
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_stock_opened();

-- Checkout must never wait for a list: it only says that something sold out, or came back.
CREATE FUNCTION catalog_stock_crossed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_listingdue (product_id) SELECT product_id FROM catalog_productvariant WHERE id = NEW.variant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_crossed AFTER UPDATE ON catalog_stock FOR EACH ROW
    WHEN ((OLD.on_hand > OLD.reserved) IS DISTINCT FROM (NEW.on_hand > NEW.reserved))
    EXECUTE FUNCTION catalog_stock_crossed();

CREATE FUNCTION catalog_owner_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'catalog_seller' THEN
        PERFORM catalog_list_soon(ARRAY(SELECT id FROM catalog_product WHERE seller_id = NEW.id));
    ELSIF TG_TABLE_NAME = 'catalog_category' THEN
        PERFORM catalog_list_soon(ARRAY(SELECT id FROM catalog_product WHERE category_id = NEW.id));
    ELSIF TG_TABLE_NAME = 'catalog_productkind' THEN
        PERFORM catalog_list_soon(ARRAY(SELECT id FROM catalog_product WHERE kind_id = NEW.id));
    ELSE
        PERFORM catalog_list_soon(ARRAY(SELECT DISTINCT product_id FROM catalog_attributevalue
                                        WHERE attribute_id = NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER seller_relisted AFTER UPDATE ON catalog_seller FOR EACH ROW
    WHEN ((OLD.is_active, OLD.kind, OLD.district_id) IS DISTINCT FROM (NEW.is_active, NEW.kind, NEW.district_id))
    EXECUTE FUNCTION catalog_owner_changed();
CREATE TRIGGER category_relisted AFTER UPDATE ON catalog_category FOR EACH ROW
    WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION catalog_owner_changed();
CREATE TRIGGER kind_relisted AFTER UPDATE ON catalog_productkind FOR EACH ROW
    WHEN (OLD.comparison_unit IS DISTINCT FROM NEW.comparison_unit) EXECUTE FUNCTION catalog_owner_changed();
CREATE TRIGGER attribute_relisted AFTER UPDATE ON catalog_attribute FOR EACH ROW
    WHEN (OLD.bands IS DISTINCT FROM NEW.bands) EXECUTE FUNCTION catalog_owner_changed();

-- What was written must be packed, and computed once more when everybody who wrote at the same moment has committed.
CREATE FUNCTION catalog_listing_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_listingdue (product_id) SELECT product_id FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER listing_inserted AFTER INSERT ON catalog_listing
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_listing_written();
CREATE TRIGGER listing_updated AFTER UPDATE ON catalog_listing
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_listing_written();
CREATE TRIGGER listing_deleted AFTER DELETE ON catalog_listing
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_listing_written();

-- A changed address word leaves the old one as a way to the new. A living word is nobody's old one, so no way is a loop.
CREATE FUNCTION catalog_slug_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'catalog_category' THEN
        DELETE FROM catalog_oldslug WHERE category_id IS NOT NULL AND slug IN (NEW.slug, OLD.slug);
        INSERT INTO catalog_oldslug (slug, category_id) VALUES (OLD.slug, NEW.id);
    ELSE
        DELETE FROM catalog_oldslug WHERE seller_id IS NOT NULL AND slug IN (NEW.slug, OLD.slug);
        INSERT INTO catalog_oldslug (slug, seller_id) VALUES (OLD.slug, NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER category_moved AFTER UPDATE ON catalog_category FOR EACH ROW
    WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION catalog_slug_changed();
CREATE TRIGGER seller_moved AFTER UPDATE ON catalog_seller FOR EACH ROW
    WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION catalog_slug_changed();

-- Blocks change in place all the time; free room keeps them where their index points.
ALTER TABLE catalog_block ALTER COLUMN bits SET STORAGE MAIN;

SELECT catalog_list(ARRAY(SELECT id FROM catalog_product));
