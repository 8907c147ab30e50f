"""Providers that keep their contract, and others, each with one fault that a test of the contract must find."""
