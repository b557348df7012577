"""How a product becomes an advertisement: the room that joins prompts, models and experiments."""
