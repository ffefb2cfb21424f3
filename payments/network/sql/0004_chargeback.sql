-- A chargeback is history like every movement: written once, never changed.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON network_chargeback FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON network_chargeback FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER own_clock BEFORE INSERT ON network_chargeback FOR EACH ROW EXECUTE FUNCTION own_clock();
