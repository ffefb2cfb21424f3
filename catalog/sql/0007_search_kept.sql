-- Whatever changes a product, by whatever way, is noted here for the search: the note commits with the change, and
-- the job `follow_search` takes it within a second. Appended only, so no writer ever waits for another.

CREATE FUNCTION catalog_search_product_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref) SELECT 'p', id FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER search_product_new AFTER INSERT ON catalog_product
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_search_product_new();

CREATE FUNCTION catalog_search_product_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref)
    SELECT CASE WHEN (n.name, n.name_ko_kp, n.name_en, n.description_ko_kp, n.description_en, n.kind_id, n.seller_id,
                      n.category_id) IS DISTINCT FROM
                     (o.name, o.name_ko_kp, o.name_en, o.description_ko_kp, o.description_en, o.kind_id, o.seller_id,
                      o.category_id)
                THEN 'p' ELSE 'f' END, n.id
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.name, n.name_ko_kp, n.name_en, n.description_ko_kp, n.description_en, n.kind_id, n.seller_id,
           n.category_id, n.is_active, n.sold_30_days) IS DISTINCT FROM
          (o.name, o.name_ko_kp, o.name_en, o.description_ko_kp, o.description_en, o.kind_id, o.seller_id,
           o.category_id, o.is_active, o.sold_30_days);
    RETURN NULL;
END $$;
CREATE TRIGGER search_product_changed AFTER UPDATE ON catalog_product
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_search_product_changed();

CREATE FUNCTION catalog_search_variant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref) SELECT DISTINCT 'p', product_id FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER search_variant_new AFTER INSERT ON catalog_productvariant
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_search_variant();

CREATE FUNCTION catalog_search_variant_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref)
    SELECT DISTINCT 'p', unnest(ARRAY[n.product_id, o.product_id]) FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.product_id, n.is_active, n.name_ko_kp, n.name_en, n.size, n.colour_ko_kp, n.colour_en, n.flavour_ko_kp,
           n.flavour_en) IS DISTINCT FROM
          (o.product_id, o.is_active, o.name_ko_kp, o.name_en, o.size, o.colour_ko_kp, o.colour_en, o.flavour_ko_kp,
           o.flavour_en);
    RETURN NULL;
END $$;
CREATE TRIGGER search_variant_changed AFTER UPDATE ON catalog_productvariant
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_search_variant_changed();

-- Stock moves all day; only the last piece and the first one matter here.
CREATE FUNCTION catalog_search_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref)
    SELECT 'f', product_id FROM catalog_productvariant WHERE id = NEW.variant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER search_stock_new AFTER INSERT ON catalog_stock
    FOR EACH ROW WHEN (NEW.on_hand > NEW.reserved) EXECUTE FUNCTION catalog_search_stock();
CREATE TRIGGER search_stock_changed AFTER UPDATE ON catalog_stock
    FOR EACH ROW WHEN ((NEW.on_hand > NEW.reserved) IS DISTINCT FROM (OLD.on_hand > OLD.reserved))
    EXECUTE FUNCTION catalog_search_stock();

CREATE FUNCTION catalog_search_seller() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.name, NEW.name_ko_kp, NEW.name_en) IS DISTINCT FROM (OLD.name, OLD.name_ko_kp, OLD.name_en)
    THEN
        INSERT INTO catalog_searchdue (kind, ref) VALUES ('s', NEW.id);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.is_active <> OLD.is_active THEN
        INSERT INTO catalog_searchdue (kind, ref) SELECT 'f', id FROM catalog_product WHERE seller_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_seller AFTER INSERT OR UPDATE ON catalog_seller
    FOR EACH ROW EXECUTE FUNCTION catalog_search_seller();

CREATE FUNCTION catalog_search_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.name, NEW.name_ko_kp, NEW.name_en) IS DISTINCT FROM (OLD.name, OLD.name_ko_kp, OLD.name_en)
    THEN
        INSERT INTO catalog_searchdue (kind, ref) VALUES ('c', NEW.id);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.is_active <> OLD.is_active THEN
        INSERT INTO catalog_searchdue (kind, ref) SELECT 'f', id FROM catalog_product WHERE category_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_category AFTER INSERT OR UPDATE ON catalog_category
    FOR EACH ROW EXECUTE FUNCTION catalog_search_category();

CREATE FUNCTION catalog_search_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchdue (kind, ref) SELECT 'p', id FROM catalog_product WHERE kind_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER search_kind AFTER UPDATE OF name, name_ko_kp, name_en ON catalog_productkind
    FOR EACH ROW EXECUTE FUNCTION catalog_search_kind();

-- What stood here before.
INSERT INTO catalog_searchdue (kind, ref) SELECT 's', id FROM catalog_seller;
INSERT INTO catalog_searchdue (kind, ref) SELECT 'c', id FROM catalog_category;
INSERT INTO catalog_searchdue (kind, ref) SELECT 'p', id FROM catalog_product;
