module Bot where
