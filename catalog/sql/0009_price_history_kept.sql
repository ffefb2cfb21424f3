-- Every price a variant has had, and the lowest of the thirty days before it was lowered.

CREATE TRIGGER price_record_append_only BEFORE UPDATE OR DELETE ON catalog_pricerecord
    FOR EACH ROW EXECUTE FUNCTION catalog_append_only();
CREATE TRIGGER price_record_no_truncate BEFORE TRUNCATE ON catalog_pricerecord
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_append_only();

-- What `percent` off leaves of a price: whole won, half up. catalog/markdowns.py tells the same in words.
CREATE FUNCTION catalog_lowered(price bigint, percent int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest((price * (100 - percent) + 50) / 100, 1)
$$;

-- The lowest a variant could be bought for in the thirty days before `moment`; NULL where nothing is known of them.
-- A record holds until the next one: in that time its price, or inside its markdown's time the lowered one, was asked.
CREATE FUNCTION catalog_lowest_before(of_variant bigint, moment timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(CASE WHEN markdown_price IS NOT NULL AND greatest(at, markdown_from, begins) < least(until, markdown_until, moment)
                    THEN markdown_price ELSE price END)
      FROM (SELECT *, lead(at, 1, 'infinity') OVER (ORDER BY id) AS until, moment - interval '30 days' AS begins
              FROM catalog_pricerecord WHERE variant_id = of_variant) record
     WHERE at < moment AND until > begins
$$;

-- A changed price keeps its planned markdown in step, and every new markdown is told against the thirty days before it.
CREATE FUNCTION catalog_price_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.markdown_id IS NOT NULL AND TG_OP = 'UPDATE' AND NEW.price <> OLD.price THEN
        NEW.markdown_price := catalog_lowered(NEW.price, (SELECT percent FROM catalog_markdown WHERE id = NEW.markdown_id));
        IF NEW.markdown_price >= NEW.price THEN
            NEW.markdown_price := NULL;
        END IF;
    END IF;
    IF NEW.markdown_price IS NULL THEN
        NEW.markdown_id := NULL;
        IF TG_OP = 'UPDATE' AND OLD.markdown_price IS NOT NULL THEN
            NEW.markdown_from := NULL;
            NEW.markdown_until := NULL;
        END IF;
        NEW.lowest_before := NULL;
    ELSIF TG_OP = 'INSERT' OR (NEW.price, NEW.markdown_from) IS DISTINCT FROM (OLD.price, OLD.markdown_from) THEN
        NEW.lowest_before := least(catalog_lowest_before(NEW.id, NEW.markdown_from), NEW.price);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER price_changes BEFORE INSERT OR UPDATE OF price, markdown_price, markdown_from, markdown_until
    ON catalog_productvariant FOR EACH ROW EXECUTE FUNCTION catalog_price_changes();

CREATE FUNCTION catalog_record_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.price, NEW.markdown_price, NEW.markdown_from, NEW.markdown_until)
       IS DISTINCT FROM (OLD.price, OLD.markdown_price, OLD.markdown_from, OLD.markdown_until) THEN
        INSERT INTO catalog_pricerecord (variant_id, price, markdown_price, markdown_from, markdown_until, at)
        VALUES (NEW.id, NEW.price, NEW.markdown_price, NEW.markdown_from, NEW.markdown_until, clock_timestamp());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER record_price AFTER INSERT OR UPDATE ON catalog_productvariant
    FOR EACH ROW EXECUTE FUNCTION catalog_record_price();

-- Variants that are there already: their history begins today.
INSERT INTO catalog_pricerecord (variant_id, price, markdown_price, markdown_from, markdown_until)
SELECT id, price, markdown_price, markdown_from, markdown_until FROM catalog_productvariant ORDER BY id;
UPDATE catalog_productvariant SET lowest_before = price WHERE markdown_price IS NOT NULL;
