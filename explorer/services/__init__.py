"""What pages ask: the open bundle, its tables, its models run live."""
