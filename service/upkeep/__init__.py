"""What keeps an installation alive: back up, restore, look whether all is well."""
