"""The pages in a real Chromium, on a phone and at a desk."""
