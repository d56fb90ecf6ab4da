from schema import Reading

print(Reading)
