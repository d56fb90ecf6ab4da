# Main.hs
