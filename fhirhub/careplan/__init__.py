"""Shared care planning: the rules that make one plan of many organisations' work."""
