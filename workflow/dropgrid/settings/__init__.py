"""The configuration and the options of the stages."""
