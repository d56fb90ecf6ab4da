test('pages', () => {})
