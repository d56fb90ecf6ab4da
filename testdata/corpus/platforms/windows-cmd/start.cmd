@echo off
echo started
