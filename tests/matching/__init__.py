"""Tests of who qualifies: records, linkage, profiles, verdicts, sweeps."""
