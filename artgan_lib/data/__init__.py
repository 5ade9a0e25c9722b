"""Training-data store and image processing: from a folder, an archive or nothing at all to one array of pictures."""
