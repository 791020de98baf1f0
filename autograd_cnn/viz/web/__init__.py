"""What the pages share: the parts of their scripts, and how a page is put together from its files."""
