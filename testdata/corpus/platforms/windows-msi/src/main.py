print("ok")
