"""Measures gwsniff: its speed beside other tools, and its memory under hostile captures. See docs/PERFORMANCE.md."""
