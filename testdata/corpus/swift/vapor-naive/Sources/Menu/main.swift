print("menu")
