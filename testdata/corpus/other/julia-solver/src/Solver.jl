using JuMP
println("solver")
