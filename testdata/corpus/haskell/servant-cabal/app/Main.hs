main :: IO ()
main = putStrLn "ledger"
