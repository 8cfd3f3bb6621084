"""The names of the profiles, which the command line wants before anything heavy is imported."""

PROFILES = ("smoke", "quick", "paper")
