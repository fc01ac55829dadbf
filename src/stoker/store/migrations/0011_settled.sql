-- Who follows the store knows what is to be made ready (invoke/catalog.py): no need to look it up,
-- nor to keep what that took.
DROP INDEX functions_unsettled;
DROP INDEX function_versions_unsettled;
ALTER TABLE functions DROP COLUMN unsettled;
ALTER TABLE function_versions DROP COLUMN unsettled;
