"""How other teams use this service, each example a program or a test that runs."""
