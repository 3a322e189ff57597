"""Whole stories over HTTP without JavaScript, from policy to reconciled payment."""
