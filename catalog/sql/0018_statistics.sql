-- A large import in one transaction fills tables whose statistics know nothing of its rows. Where a vacuum has looked
-- at them meanwhile (as after an import that was taken back) they even say "no rows in a thousand pages", and the
-- planner reads whole tables for every single row. The job calls this after each chunk: it takes statistics anew of
-- those tables alone whose own say what cannot be. They count the caller's rows, committed or not.
-- SECURITY DEFINER: only a table's owner may, and the worker owns nothing.
CREATE FUNCTION catalog_mend_statistics() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    wrong text;
    mended integer := 0;
BEGIN
    FOR wrong IN
        SELECT c.oid::regclass::text
          FROM unnest(ARRAY['catalog_product', 'catalog_productvariant', 'catalog_stock', 'catalog_stockmovement',
                            'catalog_productkind', 'catalog_seller', 'catalog_category', 'catalog_attributevalue',
                            'catalog_listing', 'catalog_pricerecord']) AS name
          JOIN pg_class c ON c.oid = to_regclass(name)
         -- Less than a row a page, of more than a few pages: every one of these tables holds several.
         WHERE pg_relation_size(c.oid) / 8192 > greatest(8, c.reltuples)
    LOOP
        EXECUTE 'ANALYZE ' || wrong;
        mended := mended + 1;
    END LOOP;
    RETURN mended;
END $$;
