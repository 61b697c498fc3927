"""Tests of ditas_torch."""
