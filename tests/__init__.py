"""The tests, in folders that mirror the packages; `tests.conftest` holds the databases."""
