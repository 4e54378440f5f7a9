print("gwsniff")
