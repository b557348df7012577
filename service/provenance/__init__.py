"""Where a picture comes from, said in the file and found again without it: labels, manifests, prints, verification."""
