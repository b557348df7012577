"""What joins a product and a place: volume, footprint, shadow, reflection, relight. Pure functions on arrays."""
