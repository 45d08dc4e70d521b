"""Texts generated from a fleet. Pure: the same values always give the same text."""
