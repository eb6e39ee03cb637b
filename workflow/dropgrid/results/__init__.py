"""A folder of results: what lies in it, who may write it, how it is read."""
