# escape=`
FROM mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2022
SHELL ["powershell", "-Command"]
RUN Remove-Website -Name 'Default Web Site'; `
    New-Website -Name site -Port 80 -PhysicalPath C:\site
COPY ["site/", "C:/site/"]
HEALTHCHECK --interval=5s CMD powershell -command `
    try { (iwr http://localhost -UseBasicParsing).StatusCode -eq 200 } catch { exit 1 }
EXPOSE 80
