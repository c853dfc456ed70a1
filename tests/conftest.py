from hypothesis import settings

# A busy machine is no fault of the code: laws are checked without a time limit per example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
