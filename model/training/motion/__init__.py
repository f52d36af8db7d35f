"""The second motion network: its definition, the footage it learns from, its trainer."""
