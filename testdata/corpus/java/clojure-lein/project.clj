(defproject tally "0.1.0"
  :dependencies [[org.clojure/clojure "1.12.0"] [http-kit "2.8.0"]]
  :main tally.core)
